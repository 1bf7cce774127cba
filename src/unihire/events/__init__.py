"""What happens: reported by vendors, and read by others."""
