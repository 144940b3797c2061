"""Pulse's own first migration. Its second is about triggers in SQLite's words."""

from importlib import import_module

Migration = import_module("rbac.migrations.0001_initial").Migration
