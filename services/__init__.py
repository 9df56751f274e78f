"""What the app does, without a screen: plain data, typed events, and the engine behind them."""
