"""Options as data: YAML files, by command; and profiles of machines."""
