"""What is known of each kind of number: its change, interval, test and the items that would decide."""
