"""What is drawn for people to look at in a browser: whole pages that fetch nothing."""
