from importlib import import_module

Migration = import_module("rbac.migrations.0002_changelog_triggers").Migration
