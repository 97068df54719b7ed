"""The only rooms that talk to Huawei Cloud."""
