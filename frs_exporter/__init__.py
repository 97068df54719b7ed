"""Prometheus exporter for Huawei Cloud's Face Recognition Service (FRS)."""

__version__ = "0.1.0"
