"""What every run needs, whatever it trains: loop, schedule, clock, folder and plot."""
