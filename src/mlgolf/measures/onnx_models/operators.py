"""The operators that a model of the open division may use.

All are operators of the standard domain on plain tensors whose result depends on their inputs and
attributes alone. So these are not listed:
  random ones (RandomNormal, Bernoulli, Dropout …): the label would depend on the draw;
  If, Loop, Scan and the like: a graph inside a graph, and a running time that nobody can bound;
  sequences, optionals, strings, sparse tensors, decoders of images: logits need none;
  those that choose rows of the batch (NonZero, Unique, Compress …): a label is of one example.

A code names operators and attributes by their place in these lists. One more is added at the end,
an attribute in a row of its own, so that no score changes.
"""

OPSETS = range(18, 24)  # PyTorch 2.13 exports 20, jax2onnx 0.17 exports 23

OPERATORS = tuple(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool
    BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu
    Clip Col2Im Concat ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace
    DequantizeLinear Det Div DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten
    Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
    Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax
    InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean
    MeanVarianceNormalization Min Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow QLinearConv
    QLinearMatMul QuantizeLinear RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ReverseSequence RotaryEmbedding Round ScatterElements
    ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign
    SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu
    Unsqueeze Where Xor
    """.split()
)
# Two more that a file may have. Their work is done while it is read.
CONSTANT, IDENTITY = "Constant", "Identity"

_KINDS = (
    ("i", """
        align_corners allowzero antialias axis batch_axis batch_dims block_size blocksize ceil_mode
        count_include_pad detect_negative detect_positive dtype end exclude_outside exclusive fmod
        group hidden_size input_forget interleaved is_causal k keepdims kv_num_heads largest layout
        linear_before_reset noop_with_empty_axes num_groups num_heads num_outputs output_dtype p
        precision q_num_heads qk_matmul_output_mode reverse rotary_embedding_dim saturate
        select_last_index size softmax_precision sorted start stash_type storage_order time_axis to
        training_mode transA transB upper
    """),
    ("f", """
        alpha beta bias clip cubic_coeff_a epsilon extrapolation_value gamma lambd momentum scale
        softcap
    """),
    ("s", """
        approximate auto_pad coordinate_transformation_mode direction equation
        keep_aspect_ratio_policy mode nearest_mode padding_mode reduction
    """),
    ("t", "value"),
    ("ints", "axes dilations kernel_shape output_padding output_shape pads perm strides"),
    ("floats", "activation_alpha activation_beta"),
    ("strings", "activations"),
)
# Attribute -> the field of onnx.proto's AttributeProto that holds it: the same for all operators.
# Which operator has which attribute is checked by the runtime.
ATTRIBUTES = {name: kind for kind, names in _KINDS for name in names.split()}
# Bounds of integers, which keep kernels of ONNX Runtime 1.32 within their own memory: GatherND
# reads elsewhere for batch_dims=-2, and Cast gives memory that nobody wrote for saturate=2.
MAY_BE_NEGATIVE = ("axes", "axis", "end", "k", "pads", "start")  # from the end, or cut off
FLAGS = tuple(
    """
    align_corners allowzero antialias ceil_mode count_include_pad detect_negative detect_positive
    exclude_outside exclusive fmod input_forget interleaved is_causal keepdims largest layout
    linear_before_reset noop_with_empty_axes reverse saturate select_last_index sorted storage_order
    training_mode transA transB upper
    """.split()
)
TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "softmax_precision")  # hold a type of tensor

# Types of tensors: those that numpy has, without strings and complex numbers.
TENSOR_TYPES = {
    1: "<f4", 2: "|u1", 3: "|i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "|b1", 10: "<f2",
    11: "<f8", 12: "<u4", 13: "<u8",
}  # fmt: skip
