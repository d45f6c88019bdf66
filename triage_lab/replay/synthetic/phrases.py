"""The phrases that subjects and bodies are composed of; ``{m}`` is the product module."""

from __future__ import annotations

SUBJECT_LINES: dict[str, tuple[str, ...]] = {
    "invoice_question": (
        "Question about our last invoice",
        "Line item on the {m} invoice unclear",
        "VAT on the invoice",
        "Copy of an invoice needed",
    ),
    "dispute": (
        "We dispute the {m} charge",
        "Invoice is wrong again",
        "Charged twice for {m}",
        "Charge does not match the order form",
    ),
    "refund": ("Refund for {m}", "Please refund the overpayment", "Money back for unused seats"),
    "payment_failed": (
        "Payment for {m} failed",
        "Card declined",
        "Bank transfer was returned",
        "Payment page shows an error",
    ),
    "dunning": ("Reminder although we paid", "Second reminder received", "Please stop the reminders"),
    "clause_question": (
        "Question about a clause",
        "What does the liability clause mean?",
        "Service credits in our contract",
    ),
    "amendment": (
        "Amendment to our contract",
        "Add {m} to the contract",
        "Change of company name",
        "Additional entity in the contract",
    ),
    "termination": ("Notice of termination", "How do we end the contract?", "Termination of the {m} part"),
    "dpa": ("Data processing agreement", "New DPA needed for {m}", "List of sub-processors"),
    "quote": ("Quote for the renewal", "Renewal offer for {m}", "Price for next year", "Renewal with more seats"),
    "downgrade": ("Fewer seats at renewal", "Downgrade of {m}", "We want the smaller plan"),
    "term_change": ("Longer term at renewal", "Move the renewal date", "Monthly instead of yearly"),
    "bug": ("{m}: wrong result", "{m} does not save", "Export from {m} is empty", "Numbers in {m} do not add up"),
    "outage": ("{m} is down", "{m} times out for everybody", "500 errors in {m}"),
    "integration": (
        "Webhook of {m} stopped",
        "{m} API returns 429",
        "Connector to our warehouse",
        "How to connect {m}?",
    ),
    "sso": ("Single sign-on fails", "SAML certificate expired", "SSO loop after login"),
    "password": ("Password reset does not arrive", "Locked out", "Cannot log in"),
    "permissions": ("Role for a new colleague", "Permission missing in {m}", "Remove a former admin"),
    "setup": ("Setting up {m}", "First steps with {m}", "Help with the setup"),
    "training": ("Training for our team", "Workshop on {m}", "Training material"),
    "migration": ("Migration of old data to {m}", "Import of history", "Move from our old tool"),
}
GERMAN_LINES: dict[str, tuple[str, ...]] = {
    "billing": ("Frage zur Rechnung", "Rechnung stimmt nicht", "Mahnung trotz Zahlung"),
    "contract": ("Frage zum Vertrag", "Vertragsänderung", "Auftragsverarbeitung"),
    "renewal": ("Angebot zur Verlängerung", "Verlängerung mit weniger Plätzen"),
    "technical": ("Fehler in {m}", "{m} nicht erreichbar"),
    "access": ("Anmeldung nicht möglich", "Passwort zurücksetzen"),
    "onboarding": ("Hilfe bei der Einrichtung", "Schulung für unser Team"),
}
FRENCH_LINES: dict[str, tuple[str, ...]] = {
    "billing": ("Question sur la facture", "Facture incorrecte"),
    "contract": ("Question sur le contrat", "Avenant au contrat"),
    "renewal": ("Devis pour le renouvellement",),
    "technical": ("Erreur dans {m}", "{m} indisponible"),
    "access": ("Connexion impossible", "Mot de passe oublié"),
    "onboarding": ("Aide à la mise en place",),
}
OPENINGS = ("Hello,", "Hi team,", "Good morning,", "Dear support,", "To whom it may concern,")
SITUATIONS: dict[str, tuple[str, ...]] = {
    "billing": (
        "our finance team looked at the {m} invoice and the amount is not what we expected.",
        "the {m} position on our invoice does not fit the order.",
        "we cannot close the month before this is settled.",
    ),
    "contract": (
        "our legal department asks about the part of the contract that covers {m}.",
        "before we sign we need an answer on {m}.",
        "our procurement needs this in writing.",
    ),
    "renewal": (
        "our term ends soon and we plan the budget for {m}.",
        "we want to keep {m} but under other conditions.",
        "the renewal of {m} is on our agenda this week.",
    ),
    "technical": (
        "since this morning {m} does not behave as it should.",
        "several colleagues see the same problem in {m}.",
        "we tried another browser and {m} still fails.",
    ),
    "access": (
        "a colleague cannot get into {m}.",
        "access to {m} broke after the last change on our side.",
        "we need this for {m} today.",
    ),
    "onboarding": (
        "we are about to start with {m} and are not sure about the order of the steps.",
        "our new team begins with {m} next week.",
        "the first import into {m} is planned.",
    ),
}
REQUESTS: dict[str, tuple[str, ...]] = {
    "question": ("Could you explain how this works?", "What do you suggest?", "Can you tell us more?"),
    "incident": ("Please have a look as soon as you can.", "When will this be fixed?", "This blocks our work."),
    "request": ("Please arrange this for us.", "What do you need from us?", "Please confirm once it is done."),
}
CLOSINGS = ("Thanks", "Kind regards", "Best", "Thank you in advance", "Regards")
REPEAT_PREFIXES = ("Re: ", "Again: ", "Urgent: ", "")
REPEAT_ENDINGS = (
    "We wrote about this before.",
    "Is there any news?",
    "Nobody has answered yet.",
    "Sending this once more.",
)
