"""From torch weights to the ONNX file that is served, and the proof that both agree."""

from dataset.requirements import require

require("torch", "onnx", "onnxscript")
