"""Neutron's tables, from its models, as its migrations do not run on SQLite; run by the cloud's Python.

``neutron_tables.py CONFIGURATION`` reads ``[database] connection`` of that file.
"""

import configparser
import importlib
import sys

if __name__ == "__main__":
    configuration = configparser.ConfigParser()
    configuration.read(sys.argv[1])
    # By name, as only the cloud's own environment has them.
    engine = importlib.import_module("sqlalchemy").create_engine(configuration["database"]["connection"])
    importlib.import_module("neutron.db.migration.models.head").get_metadata().create_all(engine)
