"""``python -m otel_openstack.cli``: the same as ``otel-openstack``."""

import sys

from otel_openstack.cli import main

sys.exit(main())
