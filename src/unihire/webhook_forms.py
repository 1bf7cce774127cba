"""The forms in which webhooks are sent events, by name."""

from unihire.dialects.bindbee.native_form import NATIVE
from unihire.dialects.unihire.standard_form import STANDARD
from unihire.events.deliveries.forms import DeliveryForms

FORMS: DeliveryForms = {form.name: form for form in (STANDARD, NATIVE)}
