from importlib import import_module

Migration = import_module("rbac.migrations.0001_initial").Migration
