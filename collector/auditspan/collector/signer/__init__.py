"""The signing process: it holds the keys of logs, and signs no two trees of one size."""
