variable "strip" {
  default = "a ${~"b"~} c"
}

variable "heredoc_template" {
  default = <<-EOT
    a ${"b"}
  EOT
}

variable "duplicate_keys" {
  default = { a = 1, a = 2 }
}

variable "number_keys" {
  default = { 1.50 = "x" }
}

variable "heredoc_in_object" {
  default = {
    a = <<EOT
text
EOT
    b = 1
  }
}

variable "commented" {
  default = { # first
    a = 1,    // one
    /* two */
    b = 2 /* three */
  }
}

variable "nothing" {
  default = [
    # "nothing"
  ]
}

variable "wrapped_lines" {
  default = (
    1
  )
}

variable "for_object" {
  default = { for k in ["a"] :
    k => 1
  }
}

variable "operators" {
  default = 2 * (3 + 4) % 5 == 4 && !false
}

variable "minus" {
  default = -(1)
}

variable "nested_template" {
  default = "${"a${"b"}"}"
}

variable "set_of_numbers" {
  type    = set(number)
  default = [3, 1, 2, 1]
}

variable "map_any" {
  type    = map(any)
  default = { a = 1, b = "x" }
}

variable "list_any" {
  type = list(
    any
  )
  default = [1, "a"]
}

variable "dollars" {
  default = "$${a} $$ $$$${b} %%{c} 100% $1 \\${"d"}"
}

variable "indented_dollars" {
  default = <<-EOT
    $${a}
    $$ 100% %%{b}
  EOT
}

variable "optional_objects" {
  type = object({
    a = string
    b = optional(list(object({ c = bool })), [])
  })
  default = { a = "x" }
}
