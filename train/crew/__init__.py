"""Several machines that learn one style together, as Lightning joins them."""
