"""Messages to webhook endpoints: written, signed, sent, tried again."""
