# A comment with a brace {
// Another with a quote "
/* And one
variable "commented" {
} */
variable "one_line" { default = 1 }
variable unquoted {
  default = "x" # behind
}
variable "größe" {
  type        = string
  default     = "groß"
  description = "Größe \u00e4 \U0001f980 \t tab \"quoted\" \\ $${x} %%{y}"
}

variable /* between */ "comments" /* and */ {
  /* here */ default /* there */ = /* everywhere */ 2 // end
}

variable "braces" {
  default = "}${"{"}" /* } */
}

variable "types" {
  type = object({
    name = string # the name
    # nothing
    list = list(object({ a = any, b = map(set(bool)) }))
    opt  = optional(map(string), {
      "k" = "v"
    })
    tup = tuple([string,
    number])
  })
  default = {
    name = "n", list = []
    tup = ["a", 1]
  }
}

variable "checked" {
  type    = string
  default = "}"

  validation {
    condition     = length(var.checked) > 0 && var.checked != "{"
    error_message = "It is \"${var.checked}\" {."
  }

  nullable = false
}

variable "a-b_c1" {
  default = [
    1, # one
    2,
  ]
}

variable "type" {
  type    = string
  default = "a name that is an argument's"
}

variable "any" {
  type    = any
  default = null
}

output "nested" {
  value = { for k, v in { a = 1 } : k => "${v}-${"a${"b"}"}" if v > 0 }
}

output "conditional" {
  value = (
    var.one_line > 1
    ? "a"
    : "b"
  )
  description = "C"
}

output "heredoc_in_call" {
  value = upper(<<EOT
variable "not" {}
EOT
  )
}

output "splat" {
  value = [for x in var.types.list[*].a : x]
}

locals { empty = {} }

module "a" { source = "./modules/a" }
