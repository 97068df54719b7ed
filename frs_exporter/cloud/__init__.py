"""The only package that talks to Huawei Cloud."""
