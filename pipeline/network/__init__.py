"""What runs the network: clips, motion, devices, probabilities and actions."""
