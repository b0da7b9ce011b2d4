#!/bin/sh
# Trains the shipped model, from the root of the repository: sh model/train_shipped.sh [DATA]
set -eu
data=${1:-data}

# Masks, then actions, from the encoder's ImageNet weights.
python -m model train --preset small-lite2 --recipe small --data "$data" --out runs/first --steps 3600
python -m model train --preset small-lite2 --recipe further --weights runs/first/weights.safetensors --data "$data" --out runs/further --steps 2400
python -m model average --preset small-lite2 runs/first/weights.safetensors runs/further/weights.safetensors --out runs/mean/weights.safetensors
python -m model train --preset small-lite2 --recipe actions-head --weights runs/mean/weights.safetensors --data "$data" --out runs/head --steps 250
python -m model train --preset small-lite2 --recipe actions --weights runs/head/weights.safetensors --data "$data" --out runs/joint --steps 1100
python -m model average --preset small-lite2 --share 0.75 runs/mean/weights.safetensors runs/joint/weights.safetensors --out runs/final/weights.safetensors

# Actions twice more, with new heads and other seeds; then their average, calibrated.
for seed in 1 2; do
    python -m model train --preset small-lite2 --recipe actions-head --new-head --weights runs/final/weights.safetensors --data "$data" --out runs/head-$seed --steps 250 --seed $seed
    python -m model train --preset small-lite2 --recipe actions --weights runs/head-$seed/weights.safetensors --data "$data" --out runs/joint-$seed --steps 1100 --seed $seed
done
python -m model average --preset small-lite2 --new-head --share 0.5 runs/final/weights.safetensors runs/joint-1/weights.safetensors runs/joint-1/weights.safetensors runs/joint-2/weights.safetensors --out runs/soup/weights.safetensors
python -m model calibrate --preset small-lite2 --weights runs/soup/weights.safetensors --data "$data" --out runs/shipped/weights.safetensors

# Motion, with encoder and action head as they are; then once more on all of DAVIS train.
python -m model train --preset motion-lite2 --recipe motion --weights runs/shipped/weights.safetensors --data "$data" --out runs/motion --steps 3000
python -m model train --preset motion-lite2 --recipe motion --weights runs/motion/weights.safetensors --everything --data "$data" --out runs/everything --steps 1200 --seed 1
python -m model average --preset motion-lite2 runs/motion/weights.safetensors runs/everything/weights.safetensors --out runs/both/weights.safetensors

# The same with the encoder's deep stages, and single pictures every other step.
python -m model train --preset motion-lite2 --recipe motion-further --weights runs/both/weights.safetensors --everything --data "$data" --out runs/further-motion --steps 2400 --seed 2
python -m model average --preset motion-lite2 runs/both/weights.safetensors runs/further-motion/weights.safetensors --out runs/twice/weights.safetensors
python -m model train --preset motion-lite2 --recipe motion-further --weights runs/twice/weights.safetensors --everything --data "$data" --out runs/longer-motion --steps 2400 --seed 4
python -m model average --preset motion-lite2 runs/twice/weights.safetensors runs/longer-motion/weights.safetensors --out runs/thrice/weights.safetensors
python -m model train --preset motion-lite2 --recipe motion-further --weights runs/thrice/weights.safetensors --everything --data "$data" --short-side 288 --out runs/larger-motion --steps 2000 --seed 6
python -m model average --preset motion-lite2 runs/thrice/weights.safetensors runs/larger-motion/weights.safetensors --out runs/masks/weights.safetensors

# What motion says of actions.
python -m model fit-motion --preset motion-lite2 --weights runs/masks/weights.safetensors --data "$data" --out runs/told/weights.safetensors
python -m model calibrate --preset motion-lite2 --weights runs/told/weights.safetensors --data "$data" --out runs/all/weights.safetensors
