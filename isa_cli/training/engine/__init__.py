"""What every run needs, whatever it trains: the loop, its schedule, its folder and its record."""
