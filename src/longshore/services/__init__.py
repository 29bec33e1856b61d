"""What the product does: one class per subject, knowing no technology."""
