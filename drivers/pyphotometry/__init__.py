"""pyPhotometry 1.1 boards: fibre photometry over a serial port, and its ``.ppd`` files."""
