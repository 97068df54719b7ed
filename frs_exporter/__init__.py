"""Prometheus exporter for Huawei Cloud's Face Recognition Service (FRS)."""

__version__ = "1.0.0rc1"
