"""What a recipe says of itself, and the file that its template gives; nothing here reads or writes anything."""
