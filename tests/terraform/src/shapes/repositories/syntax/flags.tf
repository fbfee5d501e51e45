variable "secret" {
  type      = string
  default   = "x"
  sensitive = true
}

variable "open" {
  default   = "x"
  sensitive = false
}

variable "quoted" {
  default   = "x"
  sensitive = "true"
}

variable "passing" {
  default   = "x"
  ephemeral = true
}

variable "strict" {
  default  = "x"
  nullable = false
}

variable "numbered" {
  default     = "x"
  description = 7
}

variable "emptied" {
  default     = "x"
  description = ""
}

output "secret" {
  value       = var.secret
  sensitive   = true
  description = "Not to be shown."
}

output "needs" {
  value      = 1
  depends_on = [terraform_data.it]

  precondition {
    condition     = var.open != ""
    error_message = "It is empty."
  }
}

output "passing" {
  value     = var.passing
  ephemeral = true
}
