module llm-forge.example/conformance-driver

go 1.22

require llm-forge.example/forge v0.0.0

replace llm-forge.example/forge => ../../../src/llm_forge/targets/go/runtime
