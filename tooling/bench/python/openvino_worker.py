import numpy as np
import openvino

from serve import models, serve, threads, token_ids

core = openvino.Core()


def prepare(workload):
    batch, length = workload["batch"], workload["length"]
    model = core.read_model(f"{models}/bert-onnx/model.onnx")
    model.reshape({each.any_name: [batch, length] for each in model.inputs})
    compiled = core.compile_model(
        model, "CPU",
        {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"},
    )
    ids = np.array(token_ids(batch * length, 30522), dtype=np.int64).reshape(batch, length)
    feeds = {
        each.any_name: ids if each.any_name == "input_ids"
        else np.full((batch, length), 1 if each.any_name == "attention_mask" else 0, dtype=np.int64)
        for each in model.inputs
    }
    request = compiled.create_infer_request()

    def run():
        request.infer(feeds)

    return run


serve(prepare)
