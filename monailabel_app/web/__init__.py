"""The routes of the server and what stands before and behind them."""
