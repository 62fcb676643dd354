"""Who a process can act as, as the documents of clouds and clusters say it; secrets stay out."""
