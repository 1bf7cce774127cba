"""What we tell of ourselves, in words of our own: no vendor's and no other API's."""
