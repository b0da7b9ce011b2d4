"""From a video file to objects: decode, clips, preprocess, infer, stitch, postprocess, tracks."""
