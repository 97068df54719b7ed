"""`python -m frs_exporter` is `frs-exporter`."""

from frs_exporter.cli.main import main

if __name__ == "__main__":
    main()
