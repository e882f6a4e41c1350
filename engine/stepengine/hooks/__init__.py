"""What a hook plugin may implement, and how its hooks are called."""
