"""What runs inside the agent: recorder, guard and identity context. Never raises into the host."""
