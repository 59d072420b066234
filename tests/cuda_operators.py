"""What ONNX Runtime 1.19 computes on the graphics card, of the operators that our networks may use.

Read, not run: from the CUDAExecutionProvider section of ONNX Runtime's docs/OperatorKernels.md as it was in the
summer of 2024, between the releases 1.18 and 1.20. Only the rows that opset 17 and 18 lead to are here.
"""

_FLOATS = frozenset({"float16", "float", "double"})
_MATRIX = _FLOATS | {"bfloat16"}
_NUMBERS = _MATRIX | {"int32", "int64", "uint32", "uint64"}
_ANY = _NUMBERS | {"bool", "int8", "int16", "uint8", "uint16"}
_INDEX = frozenset({"int32", "int64"})
_LENGTH = frozenset({"int64"})

Kernel = tuple[int, int | None, dict[str, frozenset[str]]]
"""First and last version of the operator, None for that first one alone, and the element types of each kind of
input and output, by the name that the operator's own definition has for it."""

CUDA_OPERATORS: dict[str, list[Kernel]] = {
    "Add": [(14, None, {"T": _NUMBERS})],
    "Cast": [(13, 18, {"T1": _ANY, "T2": _ANY})],
    "Clip": [(13, None, {"T": _FLOATS | {"int8", "int64", "uint8", "uint64"}})],
    "Concat": [(13, None, {"T": _ANY})],
    "ConstantOfShape": [(9, None, {"T1": _LENGTH, "T2": _ANY})],
    "Conv": [(11, None, {"T": _FLOATS})],
    "DepthToSpace": [(13, None, {"T": _FLOATS})],
    "Div": [(14, None, {"T": _NUMBERS})],
    "Equal": [(13, None, {"T": (_NUMBERS | {"bool"}) - {"bfloat16"}, "T1": frozenset({"bool"})})],
    "Expand": [(13, None, {"T": _ANY})],
    "Flatten": [(13, None, {"T": _ANY})],
    "Gather": [(13, None, {"T": _ANY, "Tind": _INDEX})],
    "Gemm": [(13, None, {"T": _MATRIX})],
    "GlobalAveragePool": [(1, None, {"T": _FLOATS})],
    "Greater": [(13, None, {"T": _NUMBERS - {"bfloat16"}, "T1": frozenset({"bool"})})],
    "Identity": [(14, 18, {"V": _ANY})],
    "MatMul": [(13, None, {"T": _MATRIX})],
    "Mod": [(13, None, {"T": _NUMBERS})],
    "Mul": [(14, None, {"T": _NUMBERS})],
    "Neg": [(13, None, {"T": _MATRIX | {"int8", "int16", "int32", "int64"}})],
    "Pad": [(13, 17, {"T": _FLOATS | {"bool"}}), (18, None, {"T": _FLOATS | {"bool"}})],
    "Pow": [(15, None, {"T": _FLOATS | _INDEX, "T1": _FLOATS | _INDEX})],
    "ReduceMean": [(1, 17, {"T": _FLOATS | {"int32"}}), (18, None, {"T": _FLOATS | {"int32"}})],
    "ReduceSum": [(13, None, {"T": _MATRIX | _INDEX})],
    "Relu": [(14, None, {"T": _MATRIX})],
    "Reshape": [(14, 18, {"T": _ANY, "shape": _LENGTH})],
    "Resize": [(13, 17, {"T1": _FLOATS | {"int32", "uint8"}}), (18, None, {"T1": _FLOATS | {"int32", "uint8"}})],
    "Shape": [(15, 18, {"T": _ANY, "T1": _LENGTH})],
    "Sigmoid": [(13, None, {"T": _MATRIX})],
    "Slice": [(13, None, {"T": _ANY, "Tind": _INDEX})],
    "Split": [(13, 17, {"T": _ANY}), (18, None, {"T": _ANY})],
    "Sqrt": [(13, None, {"T": _MATRIX})],
    "Squeeze": [(13, None, {"T": _ANY})],
    "Sub": [(14, None, {"T": _NUMBERS})],
    "Transpose": [(13, None, {"T": _ANY})],
    "Unsqueeze": [(13, None, {"T": _ANY})],
    "Where": [(16, None, {"B": frozenset({"bool"}), "T": _FLOATS | _INDEX | {"bfloat16", "uint8"}})],
}
