"""Hand messages to a provider: `Message` in, `Receipt` or a classified `DeliveryError` out.

One file per provider, all of one shape (`base.Provider`); `providers.open_provider` chooses by `MAIL_URL`.
"""
