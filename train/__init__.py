"""Training and distillation with Lightning."""
