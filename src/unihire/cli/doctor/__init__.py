"""`unihire doctor`: each module looks at one thing, and `findings` shows what was found."""
