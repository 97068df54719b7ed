"""What all packages share: values, errors and rules, without a clock or a socket."""
