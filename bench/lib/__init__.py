"""What the benchmarks share: spans, senders, what processes take, and the files of results."""
