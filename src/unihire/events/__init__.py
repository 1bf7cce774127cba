"""What happens: reported by vendors, and told on."""
