"""OpenAPI 3.0, 3.1 and 3.2 documents, with `x-forge`, to the intermediate representation.

    api = load(Path("openapi.yaml"))
    for operation in api.operations():
        print(operation.name, operation.http_method, operation.path)

`load` reads any document, `load_description` one of ours. `DescriptionError` stops, `Api.notices` tell
what was repaired, `Api.skipped` what is missing. The classes of the representation are in `spec.ir`.
"""

from .errors import DescriptionError, Notice
from .ir import Api
from .load import description_path, load, load_description, providers
from .remote import Remote, RemoteError
from .serialize import to_json

__all__ = [
    "Api",
    "DescriptionError",
    "Notice",
    "Remote",
    "RemoteError",
    "description_path",
    "load",
    "load_description",
    "providers",
    "to_json",
]
