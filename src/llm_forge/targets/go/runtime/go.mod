module llm-forge.example/forge

go 1.22
