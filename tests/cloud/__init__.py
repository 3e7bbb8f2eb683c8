"""A real OpenStack on loopback: keystone and glance under uWSGI, swift under eventlet, from the package index.

``environment`` installs it, ``configuration`` writes its files, ``processes`` starts and ends its services,
``identity`` fills keystone, ``cloud`` puts these together, and ``demo`` is what ``make demo`` runs. ``apis`` puts the
APIs of placement, nova, neutron and cinder beside them.
"""
