"""Templates: values with placeholders, compiled once, rendered in one pass.

>>> from stepengine.templating import Scope, compile_template
>>> template = compile_template({"tag": "{{ build-image.tag }}", "push": True})
>>> template.references[0].head
'build-image'
>>> template.render(Scope({"build-image": {"tag": "v1"}})).value
{'tag': 'v1', 'push': True}
"""

from stepengine.templating.model import Problem, Reference
from stepengine.templating.scope import MISSING, RenderError, Scope
from stepengine.templating.template import Rendered, Template, compile_template

__all__ = ["MISSING", "Problem", "Reference", "RenderError", "Rendered", "Scope", "Template", "compile_template"]
