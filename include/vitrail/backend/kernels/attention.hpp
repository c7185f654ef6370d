// attention.hpp - fused attention on the CPU, forward and backward.
#pragma once

#include "attention_backward.hpp"
#include "attention_forward.hpp"
