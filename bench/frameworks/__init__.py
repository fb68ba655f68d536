"""The adapters proved with real frameworks: environments, the matrix, docs/frameworks.md."""
