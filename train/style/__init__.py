"""One style: from its paintings to its ONNX file."""
